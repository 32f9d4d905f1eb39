import { BulkheadError } from '../../core/error.ts';
import { FormError, readFlatJson, readLines, wipeFields, type SecretFields } from './secret-fields.ts';

const invalid = (reason: string): BulkheadError => new BulkheadError('invalid_field', { field: 'secret', reason });

/** Lends the values of a secret that is a JSON object or lines, and overwrites them. Throws `invalid_field`. */
export function withFields<T>(secret: Buffer, what: string, use: (fields: SecretFields) => T): T {
  let fields: SecretFields;
  try {
    fields = secret.includes('{') ? readFlatJson(secret) : readLines(secret);
  } catch (cause) {
    if (cause instanceof FormError) throw invalid(`it is not ${what}: ${cause.message}`);
    throw cause;
  }
  try {
    return use(fields);
  } finally {
    wipeFields(fields);
  }
}

/** A value that may become text. */
export function plainField(fields: SecretFields, name: string, pattern: RegExp): string {
  const text = fields.get(name)?.toString('latin1');
  if (text === undefined) throw invalid(`${name} is missing`);
  if (!pattern.test(text)) throw invalid(`${name} does not have the form it should have`);
  return text;
}

/** A value that may not. `allowed`: its characters. */
export function secretField(fields: SecretFields, name: string, allowed: RegExp): Buffer {
  const bytes = fields.get(name);
  if (bytes === undefined || bytes.length === 0) throw invalid(`${name} is missing`);
  if (!bytes.every((byte) => allowed.test(String.fromCharCode(byte)))) throw invalid(`${name} does not have the form it should have`);
  return bytes;
}

export { invalid as invalidSecret };
