/** Models that reason, by name: the others refuse `thinking` (docs.cohere.com/v2/docs/reasoning). */
export const reasons = (model: string): boolean => /reasoning|command-a-plus/.test(model);
