import fs from 'node:fs';
import path from 'node:path';

/** Replaces a file so that a crash leaves the old or the new content, whole and on disk. */
export function writeAtomically(file: string, data: string | Buffer, mode = 0o600): void {
  const temporary = `${file}.new`;
  fs.rmSync(temporary, { force: true });
  fs.writeFileSync(temporary, data, { flag: 'wx', mode, flush: true });
  fs.renameSync(temporary, file);
  syncFolder(path.dirname(file));
}

/** A new, renamed or removed name is durable only once its folder is. */
export function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
