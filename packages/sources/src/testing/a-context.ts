import { SOURCE_ARCHIVES, type SourceArchives } from "@stackyard/core/services";
import { createExecutorContext, type TestContextInput, type TestExecutorContext } from "@stackyard/core/testing";

/** Returns a context whose worker has these archives, or none. */
export function aContext(given: TestContextInput & { readonly archives?: SourceArchives | undefined } = {}) {
  const { archives, ...input } = given;
  const service = <Service>({ name }: { readonly name: string }) =>
    (name === SOURCE_ARCHIVES.name ? archives : undefined) as Service | undefined;
  const ctx: TestExecutorContext = createExecutorContext({ ...input, service });
  return ctx;
}
