/** The references of the secrets in an attempt's message, a JSON list; its claim reads their values from the stack. */
export const SECRETS = `
alter table attempt add column secrets text;
`;
