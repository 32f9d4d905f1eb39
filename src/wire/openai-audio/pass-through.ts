import { openaiImagesPassThrough } from '../openai-images/pass-through.ts';
import type { PassThrough } from '../protocol.ts';

/** Transcriptions, translations and speech: answers may be sound or subtitles. */
export const openaiAudioPassThrough: PassThrough = { ...openaiImagesPassThrough, requestMembers: ['model', 'stream'], anyAnswer: true };
