import type { JsonObject } from '../core/json.ts';
import type { CacheMarker, Extensions, Part } from './part.ts';

/** `developer` is OpenAI's stronger-than-user role; targets without it take it as `system`. `tool` carries results only. */
export const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;
export type Role = (typeof ROLES)[number];

export interface Message {
  readonly role: Role;
  /** A participant's name. */
  readonly name?: string | undefined;
  readonly parts: readonly Part[];
  readonly extensions?: Extensions | undefined;
}

interface FunctionTool {
  readonly type: 'function';
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema of the arguments; absent: none are taken. */
  readonly parameters?: JsonObject | undefined;
  readonly strict?: boolean | undefined;
  readonly cache?: CacheMarker | undefined;
  readonly extensions?: Extensions | undefined;
}

/** A tool that only its own protocol knows: a server's web search, a free-text tool, … */
interface OtherTool {
  readonly type: 'other';
  readonly protocol: string;
  readonly value: JsonObject;
}

/** A tool that takes free text. Targets without such tools get a function with one string named `input`. */
export interface CustomTool {
  readonly type: 'custom';
  readonly name: string;
  readonly description?: string | undefined;
  /** OpenAI's `{type: 'text'}` or `{type: 'grammar', grammar: {syntax, definition}}`; absent: any text. */
  readonly format?: JsonObject | undefined;
  readonly cache?: CacheMarker | undefined;
  readonly extensions?: Extensions | undefined;
}

export type Tool = FunctionTool | CustomTool | OtherTool;

export type ToolChoice =
  | { readonly type: 'auto' | 'none' | 'required' }
  | { readonly type: 'tool'; readonly name: string }
  | { readonly type: 'other'; readonly protocol: string; readonly value: JsonObject };

export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json' }
  | {
      readonly type: 'json_schema';
      readonly schema: JsonObject;
      readonly name?: string | undefined;
      readonly description?: string | undefined;
      readonly strict?: boolean | undefined;
    };

/** How much a model may reason. `effort` in the words that OpenAI and Anthropic share; `none` is `mode: 'off'`. */
export interface Reasoning {
  /** `auto`: the model decides how much; `budget`: up to `budget` tokens. */
  readonly mode?: 'off' | 'auto' | 'budget' | undefined;
  readonly budget?: number | undefined;
  readonly effort?: string | undefined;
  /** Whether the reasoning is to be shown, and how: OpenAI's `auto`, `concise`, `detailed`, or `none`. Absent: the target's habit. */
  readonly summary?: string | undefined;
}

/**
 * Fields that some target cannot express, by their canonical names. A decoder says what they are called in its protocol,
 * so that any encoder can name what it dropped in the client's own words.
 */
export type NamedField =
  | 'message'
  | 'part'
  | 'tool'
  | 'temperature'
  | 'topP'
  | 'topK'
  | 'frequencyPenalty'
  | 'presencePenalty'
  | 'seed'
  | 'stop'
  | 'logprobs'
  | 'topLogprobs'
  | 'candidates'
  | 'logitBias'
  | 'responseFormat'
  | 'responseFormatStrict'
  | 'toolChoice'
  | 'parallelToolCalls'
  | 'reasoning'
  | 'user'
  | 'metadata'
  | 'serviceTier'
  | 'cacheMarker'
  | 'participant'
  | 'thinking'
  | 'toolResultError'
  | 'image'
  | 'imageDetail'
  | 'file'
  | 'audio'
  | 'citations'
  | 'video'
  | 'verbosity'
  | 'promptCacheKey'
  | 'safetyIdentifier'
  | 'modalities';

/** Paths in the client's request, `[]` for any index: `messages[].content[].input_audio`. */
export type FieldNames = Readonly<Record<NamedField, string>>;

export interface CanonicalRequest {
  /** The protocol it came in. */
  readonly source: string;
  readonly names: FieldNames;
  /** As the client wrote it; the target's own name is in `EncodeTarget`. */
  readonly model: string;
  readonly stream: boolean;
  /** The client wants a usage event at the end of its stream. */
  readonly includeUsage: boolean;
  readonly messages: readonly Message[];

  readonly tools?: readonly Tool[] | undefined;
  readonly toolChoice?: ToolChoice | undefined;
  readonly parallelToolCalls?: boolean | undefined;
  readonly responseFormat?: ResponseFormat | undefined;
  readonly reasoning?: Reasoning | undefined;

  readonly maxOutputTokens?: number | undefined;
  /** In the client protocol's range; OpenAI's goes to 2, Anthropic's to 1. */
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly seed?: number | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly candidates?: number | undefined;
  readonly logprobs?: boolean | undefined;
  readonly topLogprobs?: number | undefined;
  readonly logitBias?: JsonObject | undefined;

  /** The end user on whose behalf the client asks. */
  readonly user?: string | undefined;
  readonly metadata?: JsonObject | undefined;
  /** OpenAI's `low`, `medium`, `high`. */
  readonly verbosity?: string | undefined;
  readonly promptCacheKey?: string | undefined;
  readonly safetyIdentifier?: string | undefined;
  /** What the answer may be made of: `text`, `audio`, `image`. */
  readonly modalities?: readonly string[] | undefined;
  /** OpenAI's word for it. */
  readonly serviceTier?: string | undefined;
  readonly extensions?: Extensions | undefined;
}
