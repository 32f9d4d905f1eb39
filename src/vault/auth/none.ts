import { Secret } from '../../core/secret.ts';
import { EchoForms } from '../scrub.ts';
import type { Auth } from './auth.ts';

const NOTHING = { lines: [], echoes: new EchoForms(Secret.take(Buffer.alloc(0))) };

/** An upstream without a key, such as a local model server. */
export const none = (): Auth => ({ inject: () => NOTHING });
