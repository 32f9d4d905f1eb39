import fs from 'node:fs';
import type { NodeSpec } from '../config/node-spec.ts';
import type { Role } from '../core/process.ts';
import type { FileName } from '../ipc/supervision.ts';

/** The operator's files: read here as opaque bytes, so that no child needs a right on the operator's folders. */

const POLL_MS = 1000;
const MAX_FILE_BYTES = 8 * 1024 * 1024;

export interface OperatorFile {
  readonly name: FileName;
  readonly path: string;
  /** The role that gets it. */
  readonly role: Role;
  readonly bytes: Buffer;
}

/** Reads every file of `spec` once. Throws in words when one cannot be read. */
export function readOperatorFiles(spec: NodeSpec): OperatorFile[] {
  const named: (readonly [FileName, Role, string])[] = [];
  if (spec.configFile !== null) named.push(['config', 'control', spec.configFile]);
  if (spec.pricesFile !== undefined) named.push(['prices', 'control', spec.pricesFile]);
  if (spec.gateway.tls !== null) named.push(['tls.cert', 'gateway', spec.gateway.tls.cert], ['tls.key', 'gateway', spec.gateway.tls.key]);
  return named.map(([name, role, path]) => ({ name, role, path, bytes: read(path) }));
}

function read(path: string): Buffer {
  try {
    const { size } = fs.statSync(path);
    if (size > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`);
    return fs.readFileSync(path);
  } catch (error) {
    throw new Error(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Looks each second for files whose bytes changed. A file that cannot be read keeps its last bytes. Returns the end of the watch. */
export function watchOperatorFiles(
  files: readonly OperatorFile[],
  changed: (file: OperatorFile) => void,
  failed: (words: string) => void,
): () => void {
  const known = new Map(files.map((file) => [file, { stamp: stampOf(file.path), bytes: file.bytes }]));
  const look = (file: OperatorFile): void => {
    const last = known.get(file);
    const stamp = stampOf(file.path);
    if (last === undefined || stamp === last.stamp) return;
    last.stamp = stamp;
    try {
      const bytes = read(file.path);
      if (bytes.equals(last.bytes)) return;
      last.bytes = bytes;
      changed({ ...file, bytes });
    } catch (error) {
      failed(String((error as Error).message));
    }
  };
  const timer = setInterval(() => files.forEach(look), POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Changes whenever the file was written or replaced. */
function stampOf(path: string): string {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 'missing' : `${stat.ino}/${stat.size}/${stat.mtimeMs}`;
}
