import type { AuditEntry } from '../audit/record.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';

const MAX_TEXT = 1024;
const MAX_FACTS = 64;

/** A control act as another process sent it, copied member by member; undefined where it is not one. */
export function readEntry(value: unknown): AuditEntry | undefined {
  if (!isJsonObject(value) || !isJsonObject(value['actor']) || !isJsonObject(value['facts'])) return undefined;
  const { at, act, target, decision, actor, facts } = value as { [key: string]: unknown } & { actor: JsonObject; facts: JsonObject };
  const { kind, id } = actor;
  if (!Number.isSafeInteger(at) || !isText(act) || !isText(target) || !isText(id)) return undefined;
  if ((kind !== 'admin' && kind !== 'system' && kind !== 'user' && kind !== 'key') || (decision !== 'allowed' && decision !== 'denied'))
    return undefined;
  const safeFacts = readFacts(facts);
  return safeFacts && { at: at as number, actor: { kind, id }, act, target, decision, facts: safeFacts };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT;

function readFacts(facts: JsonObject): AuditEntry['facts'] | undefined {
  const entries = Object.entries(facts);
  if (entries.length > MAX_FACTS) return undefined;
  const plain = entries.every(
    ([, value]) =>
      value === null || typeof value === 'boolean' || Number.isFinite(value) || (typeof value === 'string' && value.length <= MAX_TEXT),
  );
  return plain ? (Object.fromEntries(entries) as AuditEntry['facts']) : undefined;
}
