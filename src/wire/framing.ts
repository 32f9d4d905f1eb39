/** How the events of a stream are told apart on the wire. A provider's framing may differ from what its protocol's clients read. */
const FRAMINGS = [
  'sse',
  'ndjson',
  /** Gemini without `alt=sse`: one JSON array that grows. */
  'json-array',
  'aws-eventstream',
  /** Bedrock's InvokeModel: event-stream frames whose payload holds an event of the model's own protocol in base64. */
  'aws-invoke',
] as const;
export type FramingId = (typeof FRAMINGS)[number];
