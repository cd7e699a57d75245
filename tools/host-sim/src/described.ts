import type { components } from "@octokit/openapi-types/types.d.ts";

type Schemas = components["schemas"];

/**
 * A part of an answer that GitHub's description of its API names so: the compiler refuses a field that the description does not
 * have, and a value of another type. What no reader uses is left out. Source: the package `@octokit/openapi-types`.
 */
export type Described<Name extends keyof Schemas> = PartOf<Schemas[Name]>;

type PartOf<Value> = Value extends readonly (infer Item)[]
  ? readonly PartOf<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]?: PartOf<Value[Key]> | undefined }
    : Value;
