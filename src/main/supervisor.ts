import path from 'node:path';
import { startFromCache } from '../supervisor/code-cache.ts';
import { runSupervisor } from '../supervisor/run.ts';
import { readNodeSpec } from '../supervisor/spec.ts';

/** `supervisor.ts <path of node.json>` */
const [, program = '', file] = process.argv;
if (file === undefined) throw new Error('usage: supervisor.ts <node.json>');
const spec = readNodeSpec(file);
if (spec.vault.rootKey.kind === 'file') startFromCache(path.join(spec.dataDir, 'cache'), spec.codeDir, [program, file]);
process.exit(await runSupervisor(spec));
