import type { CatalogueRow } from './row.ts';

/** Vendors with a protocol of their own; `providers/` has a file for each. */

const bearer = { scheme: 'bearer' } as const;
const header = (name: string) => ({ scheme: 'header', name }) as const;

const AZURE = {
  title: 'Azure OpenAI',
  baseUrl: 'https://{resource}.openai.azure.com/openai',
  auth: header('api-key'),
  priceList: 'azure',
  environment: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'],
  settings: [
    { name: 'resource', what: 'Name of the Azure resource: the first part of its host name.' },
    {
      name: 'api',
      what: '`v1`: /openai/v1/…; `deployments`: /openai/deployments/<model>/… with an API version. The model is the deployment’s name in both.',
      byDefault: 'v1',
      values: ['v1', 'deployments'],
    },
    { name: 'api_version', what: 'Sent as `api-version` where `api` is `deployments`.', byDefault: '2024-10-21' },
  ],
  proved: true,
} as const satisfies Partial<CatalogueRow>;

const VERTEX_SETTINGS = [
  { name: 'project', what: 'Google Cloud project.' },
  { name: 'region', what: 'Location, such as `europe-west4`, or `global`.', byDefault: 'global' },
] as const;
const VERTEX_PATH = '/v1/projects/{project}/locations/{region}';

const VERTEX = {
  baseUrl: `https://{region}-aiplatform.googleapis.com${VERTEX_PATH}`,
  regions: { global: `https://aiplatform.googleapis.com${VERTEX_PATH}` },
  auth: { scheme: 'google-service-account' },
  remark: 'The credential is a service account’s JSON file; access tokens are fetched and kept in the vault.',
  environment: [],
  settings: VERTEX_SETTINGS,
  place: 'declared',
  proved: true,
} as const satisfies Partial<CatalogueRow>;

export const NATIVE_ROWS: readonly CatalogueRow[] = [
  {
    kind: 'openai',
    title: 'OpenAI',
    baseUrl: 'https://api.openai.com/v1',
    auth: bearer,
    priceList: 'openai',
    environment: ['OPENAI_API_KEY'],
    settings: [],
    place: 'public',
    proved: true,
  },
  {
    kind: 'anthropic',
    title: 'Anthropic',
    baseUrl: 'https://api.anthropic.com/v1',
    auth: header('x-api-key'),
    priceList: 'anthropic',
    environment: ['ANTHROPIC_API_KEY'],
    settings: [],
    place: 'public',
    proved: true,
  },
  {
    ...AZURE,
    kind: 'azure-openai',
    variants: { setting: 'api', kinds: { deployments: 'azure-openai-deployments' } },
    remark:
      'Entra ID: `auth: { azure_ad: <tenant> }`. Other hosts (a private endpoint, a Foundry resource) go into `base_url`, up to /openai.',
    place: 'declared',
  },
  { ...AZURE, kind: 'azure-openai-deployments', title: 'Azure OpenAI, by deployment', place: 'variant' },
  {
    kind: 'gemini',
    title: 'Google Gemini API',
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    auth: header('x-goog-api-key'),
    priceList: 'google',
    environment: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    settings: [],
    place: 'public',
    proved: true,
  },
  { ...VERTEX, kind: 'vertex', title: 'Google Vertex AI', priceList: 'google', unrecorded: ['embeddings'] },
  { ...VERTEX, kind: 'vertex-anthropic', title: 'Claude on Google Vertex AI', priceList: 'google' },
  {
    kind: 'bedrock',
    title: 'Amazon Bedrock',
    baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
    auth: { scheme: 'aws-sigv4', service: 'bedrock', region: '{region}' },
    remark:
      'The credential is a pair of access keys, as JSON or as lines of a credentials file. A Bedrock API key wants `auth: bearer`. The name of an application inference profile does not tell its model: give its target the `base_model` that it was made of, such as `eu.anthropic.claude-sonnet-4-5-20250929-v1:0`, so that Anthropic’s clients reach Claude in its own protocol and the price is that model’s.',
    priceList: 'aws',
    environment: ['AWS_BEARER_TOKEN_BEDROCK'],
    settings: [{ name: 'region', what: 'AWS region, such as `eu-central-1`.' }],
    place: 'declared',
    proved: true,
    unrecorded: ['embeddings', 'rerank'],
  },
  {
    kind: 'cohere',
    title: 'Cohere',
    baseUrl: 'https://api.cohere.com',
    auth: bearer,
    priceList: 'cohere',
    environment: ['COHERE_API_KEY', 'CO_API_KEY'],
    settings: [],
    place: 'public',
    proved: true,
  },
  {
    kind: 'mistral',
    title: 'Mistral',
    baseUrl: 'https://api.mistral.ai/v1',
    auth: bearer,
    priceList: 'mistral',
    environment: ['MISTRAL_API_KEY'],
    settings: [],
    place: 'public',
    proved: true,
  },
  {
    kind: 'ollama',
    title: 'Ollama',
    baseUrl: 'http://127.0.0.1:11434',
    auth: { scheme: 'none' },
    priceList: 'none',
    environment: [],
    settings: [],
    place: 'own',
    proved: true,
  },
];
