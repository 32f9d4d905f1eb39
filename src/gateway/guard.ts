import type { Answer } from './answer.ts';
import type { Decoded } from './steps.ts';

/** A check of what goes in and out. A guard that throws blocks: what cannot be judged must not pass. */
export interface Guard {
  readonly name: string;
  /** Undefined: passes. Otherwise why the request is blocked, in words for the client. */
  inspectRequest(decoded: Decoded): string | undefined | Promise<string | undefined>;
  /** The answer that may leave: the same, an edited one, or one whose relay is wrapped. */
  inspectAnswer(answer: Answer): Answer | Promise<Answer>;
}
