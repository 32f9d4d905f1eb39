import { formatDollars, picodollars } from '../../../core/money.ts';
import type { UsageDay } from '../../../ipc/messages/reports.ts';
import type { Cell } from '../../../core/csv.ts';
import type { Names } from './names.ts';

/**
 * Daily sums as charges by FOCUS 1.2 (FinOps Open Cost and Usage Specification): every mandatory column, the conditional ones that have a meaning
 * here, and `x_` columns for what FOCUS has no name for. One charge is a day (UTC) of one key, model, alias and outcome.
 *
 * The four costs are the same: the ledger keeps what a call was charged, discounts and margins of the operator's price list included.
 * There is no unit price, because tokens of one model have several.
 */
export const FOCUS_COLUMNS = [
  'BilledCost',
  'BillingAccountId',
  'BillingAccountName',
  'BillingAccountType',
  'BillingCurrency',
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargeFrequency',
  'ChargePeriodEnd',
  'ChargePeriodStart',
  'ConsumedQuantity',
  'ConsumedUnit',
  'ContractedCost',
  'ContractedUnitPrice',
  'EffectiveCost',
  'InvoiceIssuerName',
  'ListCost',
  'ListUnitPrice',
  'PricingCategory',
  'PricingQuantity',
  'PricingUnit',
  'ProviderName',
  'PublisherName',
  'ResourceId',
  'ResourceName',
  'ResourceType',
  'ServiceCategory',
  'ServiceName',
  'ServiceSubcategory',
  'SkuId',
  'SkuPriceId',
  'SubAccountId',
  'SubAccountName',
  'SubAccountType',
  'Tags',
  'x_CachedInputTokens',
  'x_EstimatedRequests',
  'x_InputTokens',
  'x_OutputTokens',
  'x_Requests',
  'x_UnconfirmedRequests',
] as const;
type FocusColumn = (typeof FOCUS_COLUMNS)[number];

export interface FocusNames {
  readonly organizations: Names;
  readonly teams: Names;
  readonly keys: Names;
}

const DAY_MS = 86_400_000;
/** FOCUS wants UTC to the second. */
const time = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

/** In the order of `FOCUS_COLUMNS`. */
export function focusCells(day: UsageDay, names: FocusNames): readonly Cell[] {
  const cells = { ...charge(day), ...owners(day, names) };
  return FOCUS_COLUMNS.map((name) => cells[name]);
}

type OwnerColumn = Extract<FocusColumn, `BillingAccount${string}` | `SubAccount${string}` | `Resource${string}` | 'Tags'>;

function owners({ dimensions }: UsageDay, names: FocusNames): Readonly<Record<OwnerColumn, Cell>> {
  const { organization = '', team = '', project = '', key = '', user = '', alias = '', credential = '', outcome = '' } = dimensions;
  const tags = { alias, credential, outcome, project, user };
  return {
    BillingAccountId: organization,
    BillingAccountName: names.organizations.get(organization) ?? organization,
    BillingAccountType: 'Organization',
    ResourceId: key === '' ? null : key,
    ResourceName: names.keys.get(key) ?? null,
    ResourceType: key === '' ? null : 'Virtual key',
    SubAccountId: team === '' ? null : team,
    SubAccountName: team === '' ? null : (names.teams.get(team) ?? team),
    SubAccountType: team === '' ? null : 'Team',
    Tags: JSON.stringify(Object.fromEntries(Object.entries(tags).filter(([, value]) => value !== ''))),
  };
}

function charge(day: UsageDay): Readonly<Record<Exclude<FocusColumn, OwnerColumn>, Cell>> {
  const { provider = '', model = '' } = day.dimensions;
  const cost = formatDollars(picodollars(BigInt(day.picodollars)));
  const tokens = day.inputTokens + day.outputTokens;
  const date = new Date(day.day);
  // A call that nobody reported may have no provider: the columns may not be empty.
  const issuer = provider === '' ? 'unknown' : provider;
  return {
    BilledCost: cost,
    BillingCurrency: 'USD',
    BillingPeriodEnd: time(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)),
    BillingPeriodStart: time(Date.UTC(date.getUTCFullYear(), date.getUTCMonth())),
    ChargeCategory: 'Usage',
    ChargeClass: null,
    ChargeDescription: `${day.requests} calls of ${model === '' ? 'an unknown model' : model}`,
    ChargeFrequency: 'Usage-Based',
    ChargePeriodEnd: time(day.day + DAY_MS),
    ChargePeriodStart: time(day.day),
    ConsumedQuantity: tokens,
    ConsumedUnit: 'Tokens',
    ContractedCost: cost,
    ContractedUnitPrice: null,
    EffectiveCost: cost,
    InvoiceIssuerName: issuer,
    ListCost: cost,
    ListUnitPrice: null,
    PricingCategory: 'Standard',
    PricingQuantity: tokens,
    PricingUnit: 'Tokens',
    ProviderName: issuer,
    PublisherName: issuer,
    ServiceCategory: 'AI and Machine Learning',
    ServiceName: issuer,
    ServiceSubcategory: 'Generative AI',
    SkuId: `${issuer}/${model}`,
    SkuPriceId: `${issuer}/${model}`,
    x_CachedInputTokens: day.cachedInputTokens,
    x_EstimatedRequests: day.estimated,
    x_InputTokens: day.inputTokens,
    x_OutputTokens: day.outputTokens,
    x_Requests: day.requests,
    x_UnconfirmedRequests: day.unconfirmed,
  };
}
