import { openaiImagesPassThrough } from '../openai-images/pass-through.ts';
import type { PassThrough } from '../protocol.ts';

/** Transcriptions, translations and speech: answers may be sound or subtitles. */
export const openaiAudioPassThrough: PassThrough = {
  ...openaiImagesPassThrough,
  // Speech is charged by the characters of its input.
  requestMembers: ['model', 'stream', 'input'],
  responseMembers: ['usage', 'duration'],
  anyAnswer: true,
};
