import type { JsonObject } from '../../core/json.ts';
import { parseData } from '../openai-chat/pass-through.ts';
import type { PassThrough, SseEvent, StreamFact } from '../protocol.ts';
import { answerUsage } from './usage.ts';

const MARKS = ['"usage"', '"error"', '.completed"', '.done"', '[DONE]'].map((text) => Buffer.from(text));

/** `image_generation.completed`, `image_edit.completed`, `transcript.text.done`, `speech.audio.done`: the last of a stream, with its usage. */
const isLast = ({ type }: JsonObject): boolean =>
  typeof type === 'string' && (type.endsWith('.completed') || type === 'transcript.text.done' || type === 'speech.audio.done');

/** Images and audio share the shape of their typed events (developers.openai.com/api/reference). */
function readMediaEvent({ data }: SseEvent): StreamFact {
  if (data === '[DONE]') return { done: true };
  const body = parseData(data);
  if (body === undefined) return {};
  const usage = answerUsage(body);
  const { error } = body;
  const isError = body['type'] === 'error' || (typeof error === 'object' && error !== null);
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(isLast(body) ? { finished: true } : {}),
    ...(isError ? { error: 'the provider reported an error in its stream' } : {}),
  };
}

/** Images: made, edited and varied; a stream shows them while they grow. */
export const openaiImagesPassThrough: PassThrough = {
  requestMembers: ['model', 'stream', 'n'],
  endUser: [['safety_identifier'], ['user']],
  responseMembers: ['usage'],
  usageOfResponse: answerUsage,
  mayMatter: (bytes) => MARKS.some((mark) => bytes.includes(mark)),
  readEvent: readMediaEvent,
};
