/*
 * Gemini gives its function calls no ids more often than not, and tells them apart by their order. Other protocols need ids: those
 * made here are known by their prefix and left out again on the way back. Letters, digits and at most 40 of them suit every provider.
 */
const PREFIX = 'call_gm_';
const MOST_OF_RESPONSE = 24;

export const isMadeUp = (id: string): boolean => id === '' || id.startsWith(PREFIX);

/** The `count`-th call of an answer. The answer's own id makes it unique over the turns of a conversation. */
export function answerCallId(responseId: string, choice: number, count: number): string {
  const response = responseId.replaceAll(/[^a-zA-Z0-9_-]/g, '').slice(0, MOST_OF_RESPONSE);
  return `${PREFIX}${response === '' ? '' : `${response}_`}${choice === 0 ? '' : `${choice}_`}${count}`;
}

/** Ids of the calls of one conversation, by which results find them. */
export class ConversationCalls {
  #count = 0;
  /** Ids of calls without a result yet, oldest first, by the function's name. */
  readonly #waiting = new Map<string, string[]>();

  called(name: string, id: string | undefined): string {
    this.#count++;
    const known = id ?? `${PREFIX}${this.#count}`;
    const waiting = this.#waiting.get(name);
    if (waiting === undefined) this.#waiting.set(name, [known]);
    else waiting.push(known);
    return known;
  }

  /** A result without an id belongs to the oldest call of its name. */
  answered(name: string, id: string | undefined): string {
    const waiting = this.#waiting.get(name) ?? [];
    const at = id === undefined ? 0 : waiting.indexOf(id);
    const [found] = at === -1 ? [] : waiting.splice(at, 1);
    return id ?? found ?? this.called(name, undefined);
  }
}
