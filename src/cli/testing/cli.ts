import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { runCli } from '../run.ts';
import { TOKEN } from './admin-server.ts';

/** Runs a command line in this process with collected output. */

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly colour?: boolean;
  /** Standard input is a terminal: questions are asked, and `stdin` answers them. */
  readonly tty?: true;
}

const STORES = {
  control: { file: 'control.db', schema: 1 },
  ledger: { file: 'ledger.db', schema: 1 },
  auditor: { file: 'control.log', schema: null },
};

export async function run(
  args: readonly string[],
  { stdin = '', env = {}, cwd = '/', colour = false, tty }: RunOptions = {},
): Promise<Ran> {
  let [out, err] = ['', ''];
  const terminal = {
    stdin: Object.assign(Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]), tty === true ? { isTTY: true } : {}),
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    colour,
    width: 100,
    env,
    cwd,
  };
  const code = await runCli(args, { terminal, stores: () => Promise.resolve(STORES), codeCache: () => Promise.resolve(undefined) });
  return { code, out, err };
}

/** A data folder of a node whose admin API listens on `port`. */
export function temporaryData(port: number): { readonly data: string; readonly remove: () => void } {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-cli-'));
  const data = path.join(root, 'data');
  fs.mkdirSync(path.join(data, 'admin'), { recursive: true });
  fs.writeFileSync(path.join(data, 'admin/token'), `${TOKEN}\n`, { mode: 0o600 });
  fs.writeFileSync(
    path.join(data, 'node.json'),
    JSON.stringify({ control: { host: '127.0.0.1', port }, isolation: 'auto', configFile: null }),
  );
  return { data, remove: () => fs.rmSync(root, { recursive: true, force: true }) };
}
