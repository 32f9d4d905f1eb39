/**
 * The canonical form: what a request, an answer and a stream mean, free of any provider's words. Codecs of `wire/` translate to and from it,
 * so that a protocol is added once and not once per partner. Nothing here knows a protocol; what one of them says beyond this form travels in `extensions`
 * under that protocol's name and reaches only the same protocol again.
 */
import type { Json, JsonObject } from '../core/json.ts';

/** What one object of a protocol says beyond its canonical form. */
interface Extension {
  /** Members to put back over what an encoder of the same protocol writes: those the canonical form has no place for, and those it holds but not in this spelling. */
  readonly members: JsonObject;
  /** Names, relative to the object, of what the canonical form does not hold at all. An encoder of another protocol reports them as dropped. */
  readonly lost: readonly string[];
}

/** By the name of the wire protocol that sent them. */
export type Extensions = Readonly<Record<string, Extension>>;

/** "The prompt up to here is worth caching." */
export interface CacheMarker {
  /** Seconds; absent: the provider's default. */
  readonly ttl?: number | undefined;
}

/** Bytes that a part shows or holds. `data` is base64; `file` names an upload that only its own provider knows. */
export type MediaSource =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'data'; readonly mediaType: string; readonly data: string }
  | { readonly kind: 'text'; readonly mediaType: string; readonly text: string }
  | { readonly kind: 'file'; readonly id: string };

/** Where a text took something from. `native` is the citation as its protocol wrote it. */
export interface Citation {
  readonly url?: string | undefined;
  readonly title?: string | undefined;
  /** Offsets into the text of the answer, in UTF-16 units; absent: the whole part it stands on. */
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  readonly protocol: string;
  readonly native: JsonObject;
}

interface PartBase {
  readonly cache?: CacheMarker | undefined;
  readonly extensions?: Extensions | undefined;
}

export interface TextPart extends PartBase {
  readonly type: 'text';
  readonly text: string;
  readonly citations?: readonly Citation[] | undefined;
}

export interface ImagePart extends PartBase {
  readonly type: 'image';
  readonly source: MediaSource;
  /** OpenAI's `detail`: how closely to look. */
  readonly detail?: string | undefined;
}

/** A document: PDF, plain text or whatever the provider reads. */
export interface FilePart extends PartBase {
  readonly type: 'file';
  readonly source: MediaSource;
  readonly name?: string | undefined;
}

export interface AudioPart extends PartBase {
  readonly type: 'audio';
  /** Base64. */
  readonly data: string;
  /** `wav`, `mp3`, … */
  readonly format: string;
}

/** Film, which only some providers watch. `url` may name a page that the provider knows how to open. */
export interface VideoPart extends PartBase {
  readonly type: 'video';
  readonly source: MediaSource;
}

/** Who can read a signature: it is worth nothing to another vendor's models, and they refuse it. */
export type SignatureFormat = string;

export interface ThinkingPart extends PartBase {
  readonly type: 'thinking';
  readonly text: string;
  readonly signature?: string | undefined;
  readonly format?: SignatureFormat | undefined;
}

/** Reasoning that only its provider can read. */
export interface RedactedThinkingPart extends PartBase {
  readonly type: 'redacted_thinking';
  readonly data: string;
  readonly format?: SignatureFormat | undefined;
}

interface RefusalPart extends PartBase {
  readonly type: 'refusal';
  readonly text: string;
}

export interface ToolCallPart extends PartBase {
  readonly type: 'tool_call';
  readonly id: string;
  readonly name: string;
  /** JSON text as the model wrote it (it need not be valid), or free text for a `custom` tool. */
  readonly arguments: string;
  readonly kind: 'function' | 'custom';
}

export interface ToolResultPart extends PartBase {
  readonly type: 'tool_result';
  readonly callId: string;
  readonly parts: readonly Part[];
  readonly isError?: boolean | undefined;
}

/** A part that only its own protocol knows: a server tool's call and result, a container upload, … */
export interface OtherPart {
  readonly type: 'other';
  readonly protocol: string;
  readonly value: Json;
}

export type Part =
  | TextPart
  | ImagePart
  | FilePart
  | AudioPart
  | VideoPart
  | ThinkingPart
  | RedactedThinkingPart
  | RefusalPart
  | ToolCallPart
  | ToolResultPart
  | OtherPart;

/*
 * Signature formats, by the names that OpenRouter gave them. A signature is sent back only to models of its own format; a client's protocol that has no such
 * field of its own carries it in the opaque one that it has, with the format in front (`wire/opaque.ts`).
 */
/** Anthropic's models, wherever they are served. */
export const ANTHROPIC_SIGNATURE = 'anthropic-claude-v1';
/** Gemini's thought signatures. One that signs another part than reasoning is a `redacted_thinking` part right before the part that it signs; one behind the last part signs the answer so far. */
export const GEMINI_SIGNATURE = 'google-gemini-v1';
/** The encrypted content of OpenAI's reasoning items. */
export const OPENAI_SIGNATURE = 'openai-responses-v1';
