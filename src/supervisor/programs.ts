import fs from 'node:fs';
import path from 'node:path';

const SYSTEM_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];

/** Absolute path of a program of the system, never found through the caller's PATH. Undefined: it is not installed. */
export function findProgram(name: string): string | undefined {
  return SYSTEM_FOLDERS.map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
}

/** Where `name` is, or its bare name, whose start then fails with a message that names it. */
export const program = (name: string): string => findProgram(name) ?? name;
