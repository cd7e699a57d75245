import type { SourceFetch } from "../fetch/source-answer.ts";
import type { ArtifactSource } from "./artifact-source.ts";
import { CopyStop } from "./copy-fault.ts";
import { judgeAnswer } from "./judge-answer.ts";

/** Files by presigned URLs. */
export function createPresignedSource(fetch: SourceFetch): ArtifactSource {
  return async ({ key, url, range, signal }) => {
    if (url === undefined) {
      throw new CopyStop({ kind: "counted", code: "SOURCE_DENIED", reason: "The message holds no URL." });
    }
    const answer = await fetch({ url, key, signal, ...(range && { range }) });
    switch (answer.kind) {
      case "content":
        return { ...answer, body: guard(answer.body) };
      case "refused": {
        const { status } = answer;
        const fallback = toUnavailable(`The source answered ${status}.`);
        throw new CopyStop(judgeAnswer(answer) ?? fallback.fault);
      }
      case "forbidden":
        throw new CopyStop({ kind: "refused", code: answer.code, reason: answer.reason });
      case "redirected":
        throw new CopyStop({ kind: "refused", code: "URL_REDIRECT", reason: "The source leads elsewhere." });
      case "unreachable":
        throw toUnavailable(answer.reason);
    }
  };
}

/** The same bytes; what breaks on the way is tried again. */
export async function* guard(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {
    throw toUnavailable("The source broke off.");
  }
}

/** The source does not serve now. */
export function toUnavailable(reason: string): CopyStop {
  return new CopyStop({ kind: "passing", code: "SOURCE_UNAVAILABLE", reason });
}
