import fs from 'node:fs';
import path from 'node:path';
import { startChild } from '../../../src/ipc/child.ts';

/** Control as the campaign wants it: a file in its folder keeps it from starting, another one lets it serve for a second and die. */
const UP_MS = 1000;

startChild('control', async (child) => {
  const wanted = (name: string): boolean => fs.existsSync(path.join(child.boot.folder, name));
  if (wanted('held')) return void (await child.failed('the campaign holds it down'));
  // The first process of a namespace cannot kill itself; see crash-points.ts.
  if (wanted('flapping')) setTimeout(() => (process as unknown as { reallyExit(status: number): never }).reallyExit(137), UP_MS);
  await (await import('../../../src/control/serve.ts')).serveControl(child);
});
