/** An upstream without a key, such as a local model server. */
export const none = (): null => null;
