import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { Reasoning } from '../../canonical/request.ts';
import type { Fields } from '../fields.ts';

/*
 * How much to reason, in OpenAI's one word and in the objects of those that copied it. Whatever the client wrote stays in the extension.
 */
const DIALECTS = ['reasoning', 'thinking', 'enable_thinking', 'extra_body'] as const;

const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const word = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const ofEffort = (effort: string): Reasoning => (effort === 'none' ? { mode: 'off' } : { effort });

/** Only members that say something: what one dialect leaves open another may say. */
const said = (reasoning: Reasoning): Reasoning | undefined => {
  const entries = Object.entries(reasoning).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
};

/** OpenRouter's `{effort, max_tokens, enabled, exclude}`. */
function ofOpenRouter({ effort, max_tokens: limit, enabled, exclude }: JsonObject): Reasoning | undefined {
  const summary = exclude === true ? 'none' : undefined;
  if (enabled === false || effort === 'none') return { mode: 'off' };
  const budget = number(limit);
  const mode = budget !== undefined ? 'budget' : enabled === true ? 'auto' : undefined;
  return said({ mode, budget, effort: word(effort), summary });
}

/** Anthropic's words, which DeepSeek, Z.ai and others took over: `{type: 'enabled' | 'disabled', budget_tokens}`. */
function ofThinking({ type, budget_tokens: limit }: JsonObject): Reasoning | undefined {
  if (type === 'disabled') return { mode: 'off' };
  const budget = number(limit);
  if (type === 'enabled' && budget !== undefined) return { mode: 'budget', budget };
  return type === 'enabled' || type === 'adaptive' ? { mode: 'auto' } : undefined;
}

/** Google's `extra_body.google.thinking_config`: a budget of 0 is off, of -1 the model's own choice. */
function ofGoogle(extra: JsonObject): Reasoning | undefined {
  const google = isJsonObject(extra['google']) ? extra['google'] : {};
  const config = google['thinking_config'];
  if (!isJsonObject(config)) return undefined;
  const { thinking_budget: limit, thinking_level: level, include_thoughts: shown } = config;
  const summary = typeof shown !== 'boolean' ? undefined : shown ? 'auto' : 'none';
  const budget = number(limit);
  if (budget === 0) return { mode: 'off' };
  if (budget !== undefined) return said({ ...(budget < 0 ? { mode: 'auto' } : { mode: 'budget', budget }), summary });
  return said({ effort: word(level)?.toLowerCase(), summary });
}

function ofDialect(name: (typeof DIALECTS)[number], body: Fields): Reasoning | undefined {
  const value = body.peek(name);
  if (name === 'enable_thinking') return typeof value !== 'boolean' ? undefined : { mode: value ? 'auto' : 'off' };
  if (!isJsonObject(value)) return undefined;
  switch (name) {
    case 'reasoning':
      return ofOpenRouter(value);
    case 'thinking':
      return ofThinking(value);
    case 'extra_body':
      return ofGoogle(value);
  }
}

/** OpenAI's own word counts first. */
export function decodeReasoningSettings(body: Fields): Reasoning | undefined {
  const effort = body.string('reasoning_effort');
  let reasoning = effort === undefined ? undefined : ofEffort(effort);
  for (const name of DIALECTS) {
    const dialect = ofDialect(name, body);
    if (dialect === undefined) continue;
    body.respell(name, 'reasoning_effort');
    reasoning = { ...dialect, ...reasoning };
  }
  return reasoning;
}

/** A budget in tokens has no counterpart here: it becomes the effort that it is about. */
function effortOf(reasoning: Reasoning | undefined): string | undefined {
  if (reasoning?.mode === 'off') return 'none';
  if (reasoning?.effort !== undefined) return reasoning.effort;
  if (reasoning?.budget === undefined) return undefined;
  if (reasoning.budget <= 2048) return 'low';
  return reasoning.budget <= 8192 ? 'medium' : 'high';
}

/** Undefined where the client said it in a dialect of this protocol, which goes back as it came. */
export function encodeEffort(reasoning: Reasoning | undefined, own: JsonObject | undefined): string | undefined {
  if (own !== undefined && DIALECTS.some((name) => own[name] !== undefined)) return undefined;
  return effortOf(reasoning);
}
