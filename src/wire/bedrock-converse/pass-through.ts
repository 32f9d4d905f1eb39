import { parseData } from '../openai-chat/pass-through.ts';
import type { PassThrough, SseEvent, StreamFact } from '../protocol.ts';
import { failureOf } from './errors.ts';
import { answerUsage } from './usage.ts';

const STOP = Buffer.from('messageStop');
const METADATA = Buffer.from('metadata');
const FAILURES = [Buffer.from('exception:'), Buffer.from(':exception-type'), Buffer.from('error:'), Buffer.from(':error-code')];

function readEvent(event: SseEvent): StreamFact {
  const failure = failureOf(event);
  if (failure !== undefined) return { error: failure.message };
  if (event.event === 'messageStop') return { finished: true };
  if (event.event !== 'metadata') return {};
  const usage = answerUsage(parseData(event.data) ?? {});
  return usage === undefined ? {} : { usage };
}

/** The model stands in the path. */
export const bedrockConversePassThrough: PassThrough = {
  requestMembers: ['inferenceConfig'],
  responseMembers: ['usage', 'serviceTier'],
  usageOfResponse: answerUsage,
  // Frames and events both hold their names as plain text.
  mayMatter: (bytes) => bytes.includes(STOP) || bytes.includes(METADATA) || FAILURES.some((mark) => bytes.includes(mark)),
  readEvent,
};
