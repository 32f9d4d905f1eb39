/** Google's task types by Cohere's words for the same. Others are known to Google alone and pass as they are. */
const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['RETRIEVAL_QUERY', 'search_query'],
  ['RETRIEVAL_DOCUMENT', 'search_document'],
  ['CLASSIFICATION', 'classification'],
  ['CLUSTERING', 'clustering'],
]);
const TASKS: ReadonlyMap<string, string> = new Map([...PURPOSES].map(([task, purpose]) => [purpose, task]));
/** Task types are written in capitals, other vendors' purposes are not. */
const TASK_TYPE = /^[A-Z][A-Z_]{0,60}$/;

export const purposeOf = (task: string | undefined): string | undefined => (task === undefined ? undefined : (PURPOSES.get(task) ?? task));

/** Undefined: Google has no such task. */
export function taskOf(purpose: string | undefined): string | undefined {
  if (purpose === undefined) return undefined;
  return TASKS.get(purpose) ?? (TASK_TYPE.test(purpose) ? purpose : undefined);
}
