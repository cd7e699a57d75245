import type { TSchema } from "typebox";

/** A keyword of ours in a schema, such as `placeholder`; texts only. */
export function keywordOf(schema: TSchema, keyword: string): string | undefined {
  const found: unknown = Object.entries(schema).find(([key]) => key === keyword)?.[1];
  return typeof found === "string" ? found : undefined;
}
