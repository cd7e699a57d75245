/** A statement that each connection prepares once, under its name. `stackyard.` stands for the schema. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /**
   * It may take as long as the server lets it (`statementTimeoutMs`), such as a group of commits. Any other statement looks
   * up or writes a few rows, and fails after `answerTimeoutMs`, the wait for a connection included.
   */
  readonly isLong?: true;
}

const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,40}$/;

/** True for a name that needs no quotes and leaves room for the names of channels. */
export function isSchemaName(name: string): boolean {
  return SCHEMA_NAME.test(name);
}

/** The text with the names of its tables and functions in that schema, and `stacks` where it lies. */
export function inSchema(text: string, schema: string, stacksSchema = schema): string {
  return text.replace(/\bstackyard\.(stacks\b)?/g, (_, stacks?: string) =>
    stacks === undefined ? `${schema}.` : `${stacksSchema}.stacks`,
  );
}
