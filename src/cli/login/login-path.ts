import os from 'node:os';
import path from 'node:path';
import type { Terminal } from '../terminal.ts';

/** `$XDG_CONFIG_HOME/bulkhead/login.json`, by default below `~/.config`. */
export function loginFile({ env }: Pick<Terminal, 'env'>): string {
  const home = env['XDG_CONFIG_HOME'] ?? path.join(env['HOME'] ?? os.homedir(), '.config');
  return path.join(home, 'bulkhead', 'login.json');
}
