// The package has no types. These are the parts that the issuer of the tests uses.
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  interface Grant {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  }

  interface Context {
    readonly oidc: {
      readonly client?: { readonly clientId: string };
      readonly session?: { readonly accountId?: string };
      readonly provider: { readonly Grant: new (input: { clientId: string; accountId: string }) => Grant };
    };
  }

  interface Feature {
    readonly enabled: boolean;
    readonly logoutSource?: (context: { body: unknown }, form: string) => Promise<void>;
  }

  export interface Configuration {
    readonly adapter: new (name: string) => unknown;
    readonly clients: readonly Readonly<Record<string, unknown>>[];
    readonly jwks: { readonly keys: readonly object[] };
    readonly pkce: { readonly required: () => boolean };
    readonly claims: Readonly<Record<string, readonly string[]>>;
    readonly features: Readonly<Record<string, Feature>>;
    readonly interactions: { readonly url: (context: Context, interaction: { readonly uid: string }) => string };
    readonly findAccount: (context: Context, sub: string) => Promise<unknown>;
    readonly loadExistingGrant: (context: Context) => Promise<Grant | undefined>;
    readonly cookies: { readonly keys: readonly string[] };
    readonly ttl: Readonly<Record<string, number>>;
  }

  // biome-ignore lint/style/noDefaultExport: as the package has it.
  export default class Provider {
    constructor(issuer: string, configuration: Configuration);
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
  }
}

declare module "oidc-provider/lib/adapters/memory_adapter.js" {
  // biome-ignore lint/style/noDefaultExport: as the package has it.
  export default class MemoryAdapter {
    constructor(name: string);
  }
}
