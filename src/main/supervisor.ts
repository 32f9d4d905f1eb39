import { runSupervisor } from '../supervisor/run.ts';
import { readNodeSpec } from '../supervisor/spec.ts';

/** `supervisor.ts <path of node.json>` */
const [, , file] = process.argv;
if (file === undefined) throw new Error('usage: supervisor.ts <node.json>');
process.exit(await runSupervisor(readNodeSpec(file)));
