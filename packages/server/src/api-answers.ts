import type { Static } from "typebox";
import type { namedSchemas } from "./named-schemas.ts";

/** What the API's JSON looks like, by the names of the OpenAPI document: for clients that are checked against it. */
export type ApiAnswers = { readonly [Name in keyof typeof namedSchemas]: Static<(typeof namedSchemas)[Name]> };
