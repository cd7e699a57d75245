/** Turns addresses into addresses of scripts. */
export interface WorkerPolicy {
  createScriptURL(url: string): string;
}

interface TrustedTypes {
  createPolicy(name: string, rules: Partial<WorkerPolicy> & { createHTML?(html: string): string }): WorkerPolicy;
}

/** Returns the browser's factory of policies; undefined where it has none. */
export function findTrustedTypes(): TrustedTypes | undefined {
  return (globalThis as { readonly trustedTypes?: TrustedTypes }).trustedTypes;
}

/** Admits `innerHTML = ""`, with which React Aria clears its announcer, and no other text (Trusted Types). */
export function allowEmptyHtml(): void {
  findTrustedTypes()?.createPolicy("default", {
    createHTML(html) {
      if (html === "") return "";
      throw new TypeError("The console writes no HTML.");
    },
  });
}
