import { ReleaseDocument } from "./schema/release-schema.ts";

/**
 * Release documents as JSON Schema, for editors. It refuses nothing that `parseRelease` accepts, null for absent members and
 * what belongs to a placement group without a name aside; what must fit to each other is beyond it.
 */
export function toReleaseSchema(): Readonly<Record<string, unknown>> {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Release",
    description: "A blue/green release on Auto Scaling groups.",
    ...ReleaseDocument,
  };
}
