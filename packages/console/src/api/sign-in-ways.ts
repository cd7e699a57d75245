import { reach } from "./client.ts";

/** The ways in for browsers that the server has. */
export interface SignInWays {
  readonly people: boolean;
  readonly code: boolean;
  /** The host of the issuer. */
  readonly issuer?: string;
  /** The name of the yard, where it has one. */
  readonly yard?: string;
}

/** Loads the ways in. For a server that does not list them, returns all. */
export async function loadSignInWays({ signal }: { readonly signal: AbortSignal }): Promise<SignInWays> {
  const response = await reach.fetch("/auth/ways", { signal, headers: { accept: "application/json" } });
  if (!response.ok) return { people: true, code: true };
  const { people, code, issuer, yard }: Partial<Record<keyof SignInWays, unknown>> = await response.json();
  return {
    people: people === true,
    code: code === true,
    ...(typeof issuer === "string" && { issuer }),
    ...(typeof yard === "string" && { yard }),
  };
}
