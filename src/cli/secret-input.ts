import fs from 'node:fs';
import { Secret } from '../core/secret.ts';
import { CliFailure, EXIT, systemCode, usageError } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** Ways of taking a secret in: terminal without echo, standard input, a file, a variable. Never an argument: others can read those. */

const MAX_SECRET_BYTES = 16_384;
const [CTRL_C, CTRL_D, BACKSPACE, NEWLINE, RETURN, CTRL_U, DELETE] = [0x03, 0x04, 0x08, 0x0a, 0x0d, 0x15, 0x7f] as const;

/** Bytes without their echo. Raw mode also keeps the terminal's own line buffer from holding them. */
export function promptSecret(terminal: Terminal, prompt: string): Promise<Secret> {
  const { stdin } = terminal;
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) {
    throw usageError('There is no terminal to ask on.', 'Pass the key with --stdin, --file or --from-env.');
  }
  // The echo ends before the question is seen: whoever answers at once must not be shown.
  stdin.setRawMode(true);
  terminal.err(prompt);
  const typed = Buffer.allocUnsafeSlow(MAX_SECRET_BYTES);
  return new Promise<number>((resolve, reject) => {
    let length = 0;
    const take = (chunk: Buffer | string): void => {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      for (const byte of bytes) {
        if (byte === CTRL_C) return reject(interrupted());
        if (byte === NEWLINE || byte === RETURN || byte === CTRL_D) return resolve(length);
        if (byte === BACKSPACE || byte === DELETE) length = Math.max(0, length - 1);
        else if (byte === CTRL_U) length = 0;
        else if (length === typed.length) return reject(tooLong());
        else typed[length++] = byte;
      }
      bytes.fill(0);
    };
    stdin.on('data', take);
    stdin.on('end', () => resolve(length));
    stdin.on('error', reject);
    stdin.resume();
  })
    .then((length) => usable(typed.subarray(0, length)))
    .finally(() => {
      typed.fill(0);
      stdin.setRawMode?.(false);
      stdin.removeAllListeners('data');
      stdin.pause();
      terminal.err('\n');
    });
}

/** All of standard input. */
export async function readSecretFromStdin({ stdin }: Terminal): Promise<Secret> {
  if (stdin.isTTY === true)
    throw usageError(
      '--stdin was given, but standard input is the terminal, which would show the key.',
      'Leave out --stdin to be asked without echo, or pipe the key in.',
    );
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_SECRET_BYTES) throw tooLong();
    chunks.push(bytes);
  }
  const whole = Buffer.concat(chunks);
  for (const chunk of chunks) chunk.fill(0);
  return usable(whole);
}

export function readSecretFromFile(file: string): Secret {
  try {
    if (fs.statSync(file).size > MAX_SECRET_BYTES) throw tooLong();
    return usable(fs.readFileSync(file));
  } catch (cause) {
    if (cause instanceof CliFailure) throw cause;
    throw new CliFailure(
      {
        code: 'unreadable',
        message: `${file} cannot be read (${systemCode(cause) ?? 'unknown reason'}).`,
        remedy: 'Check the path and your right to read it.',
      },
      { cause },
    );
  }
}

export function readSecretFromEnvironment({ env }: Terminal, variable: string): Secret {
  const value = env[variable];
  if (value === undefined || value === '')
    throw usageError('That variable is not set in the environment.', 'Name one that is, such as --from-env OPENAI_API_KEY.');
  return usable(Buffer.from(value));
}

/** What can stand in a header, or a file of several values, the blanks around it removed. The bytes given are wiped. */
function usable(bytes: Buffer): Secret {
  let [start, end] = [0, bytes.length];
  const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09 || byte === NEWLINE || byte === RETURN;
  while (start < end && isBlank(bytes[start])) start++;
  while (end > start && isBlank(bytes[end - 1])) end--;
  const text = bytes.subarray(start, end);
  const odd = !isStructured(text) && text.some((byte) => byte < 0x21 || byte > 0x7e);
  const secret = Secret.take(text);
  bytes.fill(0);
  if (secret.length === 0) throw usageError('The key is empty.', 'Paste the key itself.');
  if (odd)
    throw usageError(
      'The key holds a blank or a character that no provider key has.',
      'Give the key alone: no quotes, no variable name, one line. AWS keys and service accounts are given as JSON.',
    );
  return secret;
}

/** A service account's JSON, or `aws_access_key_id=…` lines with or without a `[profile]`: the vault reads those, and refuses them for any other provider. */
const isStructured = (text: Buffer): boolean =>
  ['{', '[', 'aws_'].some((start) => text.subarray(0, start.length).equals(Buffer.from(start)));

const tooLong = (): CliFailure => usageError(`The key is longer than ${MAX_SECRET_BYTES} bytes.`, 'Give the key alone.');
const interrupted = (): CliFailure =>
  new CliFailure({
    code: 'interrupted',
    message: 'Interrupted; nothing was changed.',
    remedy: 'Run the command again when you have the key.',
    exit: EXIT.interrupted,
  });
