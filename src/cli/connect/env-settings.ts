/** Sets one variable in a file of `NAME=value` lines; every other line stays as it is. */
export function mergeEnv(before: string | undefined, name: string, value: string): string {
  const lines = (before ?? '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const at = lines.findIndex((line) => new RegExp(`^\\s*(?:export\\s+)?${name}\\s*=`).test(line));
  return `${(at < 0 ? [...lines, `${name}=${value}`] : lines.with(at, `${name}=${value}`)).join('\n')}\n`;
}
