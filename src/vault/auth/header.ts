/** `<name>: <secret>`, such as `x-api-key`. */
export const header = ({ name }: { readonly name: string }): string => `${name}: `;
