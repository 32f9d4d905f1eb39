import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { NotesByField, Probe, ProbeSet } from './probe.ts';

/** What a client of Gemini's `generateContent` can say, and what Gemini can answer. */

const hi = { text: 'hi' };
const said = { role: 'user', parts: [hi] };
const user = (...parts: readonly Json[]): JsonObject => ({ contents: [{ role: 'user', parts }] });
const model = (...parts: readonly Json[]): JsonObject => ({ contents: [said, { role: 'model', parts }] });
const config = (members: JsonObject): JsonObject => ({ generationConfig: members });
const bytes = (mimeType: string): JsonObject => ({ inlineData: { mimeType, data: 'AAAA' } });
const declared = { functionDeclarations: [{ name: 'f', parameters: { type: 'OBJECT', properties: { a: { type: 'INTEGER' } } } }] };
const call = { functionCall: { id: 'c1', name: 'f', args: { a: 1 } } };
const result = { functionResponse: { id: 'c1', name: 'f', response: { output: 'ok' } } };
const schema = { type: 'OBJECT', properties: { a: { type: 'STRING' } }, required: ['a'] };
const json = { responseMimeType: 'application/json' };
const FOREIGN = 'Only Gemini’s models can read it.';

const REQUEST: Readonly<Record<string, Probe>> = {
  systemInstruction: { with: { systemInstruction: { parts: [hi] } } },
  'contents[].parts[].text': { with: user(hi, { text: 'there' }), without: user(hi) },
  'contents[].parts[].inlineData (image)': { with: user(hi, bytes('image/png')), without: user(hi) },
  'contents[].parts[].inlineData (PDF)': {
    with: user(hi, bytes('application/pdf')),
    without: user(hi),
    reportedAs: 'contents[].parts[].fileData',
  },
  'contents[].parts[].inlineData (audio)': { with: user(hi, bytes('audio/wav')), without: user(hi) },
  'contents[].parts[].inlineData (video)': { with: user(hi, bytes('video/mp4')), without: user(hi) },
  'contents[].parts[].fileData (image)': {
    with: user(hi, { fileData: { mimeType: 'image/png', fileUri: 'https://a.example/a.png' } }),
    without: user(hi),
    reportedAs: 'contents[].parts[].inlineData (image)',
  },
  'contents[].parts[].fileData (video)': {
    with: user(hi, { fileData: { mimeType: 'video/mp4', fileUri: 'https://a.example/a.mp4' } }),
    without: user(hi),
    reportedAs: 'contents[].parts[].inlineData (video)',
  },
  'contents[].parts[].functionCall': { with: model(hi, call), without: model(hi) },
  'contents[].parts[].functionResponse': {
    with: { contents: [said, { role: 'model', parts: [call] }, { role: 'user', parts: [result] }] },
    without: { contents: [said, { role: 'model', parts: [call] }] },
  },
  'contents[].parts[].thought': { with: model({ text: 't', thought: true }, hi), without: model(hi) },
  'contents[].parts[].thoughtSignature': {
    with: model({ ...call, thoughtSignature: 's' }),
    without: model(call),
    silent: { all: FOREIGN },
  },
  'contents[].parts[].executableCode': {
    with: model(hi, { executableCode: { language: 'PYTHON', code: '1' } }),
    without: model(hi),
  },
  'tools[].functionDeclarations': { with: { tools: [declared] } },
  'tools[].googleSearch': { with: { tools: [declared, { googleSearch: {} }] }, without: { tools: [declared] } },
  'toolConfig.functionCallingConfig': {
    with: { tools: [declared], toolConfig: { functionCallingConfig: { mode: 'ANY' } } },
    without: { tools: [declared] },
  },
  'generationConfig.maxOutputTokens': { with: config({ maxOutputTokens: 9 }) },
  'generationConfig.temperature': { with: config({ temperature: 0.2 }) },
  'generationConfig.topP': { with: config({ topP: 0.5 }) },
  'generationConfig.topK': { with: config({ topK: 5 }) },
  'generationConfig.seed': { with: config({ seed: 1 }) },
  'generationConfig.stopSequences': { with: config({ stopSequences: ['END'] }) },
  'generationConfig.candidateCount': { with: config({ candidateCount: 2 }), without: config({ candidateCount: 1 }) },
  'generationConfig.frequencyPenalty': { with: config({ frequencyPenalty: 1 }) },
  'generationConfig.presencePenalty': { with: config({ presencePenalty: 1 }) },
  'generationConfig.responseLogprobs': { with: config({ responseLogprobs: true }) },
  'generationConfig.logprobs': { with: config({ responseLogprobs: true, logprobs: 2 }), without: config({ responseLogprobs: true }) },
  'generationConfig.responseMimeType (JSON)': { with: config(json) },
  'generationConfig.responseSchema': { with: config({ ...json, responseSchema: schema }), without: config(json) },
  'generationConfig.responseJsonSchema': {
    with: config({ ...json, responseJsonSchema: { type: 'object', properties: {}, additionalProperties: false } }),
    without: config(json),
  },
  'generationConfig.responseModalities': { with: config({ responseModalities: ['TEXT', 'IMAGE'] }) },
  'generationConfig.thinkingConfig (budget)': { with: config({ thinkingConfig: { thinkingBudget: 4000 } }) },
  'generationConfig.thinkingConfig (level)': { with: config({ thinkingConfig: { thinkingLevel: 'HIGH' } }) },
  'generationConfig.thinkingConfig (off)': {
    with: config({ thinkingConfig: { thinkingBudget: 0 } }),
    silent: { all: 'The target’s model does not think unless it is asked to.' },
  },
  safetySettings: { with: { safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }] } },
  cachedContent: { with: { cachedContent: 'cachedContents/1' } },
  labels: { with: { labels: { a: 'b' } } },
};

const NOTES: NotesByField = {};

const candidate = (members: JsonObject): JsonObject => ({
  candidates: [{ index: 0, finishReason: 'STOP', content: { role: 'model', parts: [hi] }, ...members }],
});
const answer = (...parts: readonly Json[]): JsonObject => candidate({ content: { role: 'model', parts } });
const counts = { promptTokenCount: 5, candidatesTokenCount: 3, totalTokenCount: 8 };

const ANSWER: Readonly<Record<string, Probe>> = {
  'candidates[].content.parts[].text': { with: answer(hi), without: answer() },
  'candidates[].content.parts[].thought': { with: answer({ text: 't', thought: true }, hi), without: answer(hi) },
  'candidates[].content.parts[].functionCall': { with: answer(hi, call), without: answer(hi) },
  'candidates[].content.parts[].thoughtSignature': { with: answer({ ...call, thoughtSignature: 's' }), without: answer(call) },
  'candidates[].content.parts[].inlineData': { with: answer(hi, bytes('image/png')), without: answer(hi) },
  'candidates[].content.parts[].executableCode': {
    with: answer({ executableCode: { language: 'PYTHON', code: '1' } }, hi),
    without: answer(hi),
  },
  'candidates[].finishReason': { with: candidate({ finishReason: 'MAX_TOKENS' }) },
  'candidates[].finishReason (SAFETY)': { with: candidate({ finishReason: 'SAFETY' }) },
  'candidates[].groundingMetadata': {
    with: candidate({
      groundingMetadata: {
        groundingChunks: [{ web: { uri: 'https://a.example', title: 'a' } }],
        groundingSupports: [{ segment: { startIndex: 0, endIndex: 2, text: 'hi' }, groundingChunkIndices: [0] }],
      },
    }),
  },
  'candidates[].safetyRatings': { with: candidate({ safetyRatings: [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'LOW' }] }) },
  'candidates[] (after the first)': {
    with: {
      candidates: [
        ...(candidate({})['candidates'] as Json[]),
        { index: 1, finishReason: 'STOP', content: { role: 'model', parts: [{ text: 'ho' }] } },
      ],
    },
  },
  'usageMetadata.promptTokenCount': {
    with: { usageMetadata: counts },
    without: { usageMetadata: { ...counts, promptTokenCount: 4, totalTokenCount: 7 } },
  },
  'usageMetadata.cachedContentTokenCount': {
    with: { usageMetadata: { ...counts, cachedContentTokenCount: 2 } },
    without: { usageMetadata: counts },
  },
  'usageMetadata.candidatesTokenCount': {
    with: { usageMetadata: counts },
    without: { usageMetadata: { ...counts, candidatesTokenCount: 2, totalTokenCount: 7 } },
  },
  'usageMetadata.thoughtsTokenCount': {
    with: { usageMetadata: { ...counts, thoughtsTokenCount: 2, totalTokenCount: 10 } },
    without: { usageMetadata: counts },
  },
};

export const geminiProbes: ProbeSet = {
  protocol: 'gemini',
  title: 'Gemini',
  request: { base: { contents: [said] }, probes: REQUEST, notes: NOTES },
  answer: {
    base: { ...candidate({}), usageMetadata: counts, modelVersion: 'm', responseId: 'r' },
    probes: ANSWER,
    notes: {},
  },
};
