import fs from 'node:fs';

/** Writes a file whole or not at all, 0600 from its first byte, on disk when this returns. */
export function writeWhole(file: string, content: string | Uint8Array): void {
  const draft = `${file}.${process.pid}.draft`;
  const descriptor = fs.openSync(draft, 'wx', 0o600);
  try {
    fs.writeFileSync(descriptor, content);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
  fs.renameSync(draft, file);
}
