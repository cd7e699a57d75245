import { useLoad } from "../api/use-load.ts";
import { To } from "../design/links.tsx";
import { AnsiText } from "./ansi-text.tsx";
import { explainLog } from "./explain-log.ts";
import "./excerpt.css";

interface LogExcerptProps {
  readonly attemptId: string;
  /** Where the end of its log is from. */
  readonly load: {
    readonly key: readonly unknown[];
    readonly tail: (attemptId: string, signal: AbortSignal) => Promise<string>;
  };
  /** Where the whole log is. Default: its page. */
  readonly at?: { readonly path: string; readonly search: Readonly<Record<string, string>> };
}

/** Renders the lines of a log that explain a failure. */
export function LogExcerpt({ attemptId, load: { key, tail }, at }: LogExcerptProps) {
  const query = useLoad(key, ({ signal }) => tail(attemptId, signal), { staleTime: 60_000 });
  if (query.error !== null) return <p className="muted">The log could not be loaded.</p>;
  const lines = query.data === undefined ? [] : explainLog(query.data);
  return (
    <figure className={lines.length > 0 ? "excerpt" : undefined}>
      {lines.length > 0 && (
        <pre>
          {lines.map(({ text, cause }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines of a text have no other identity
            <span key={index} className={cause ? "excerpt-line cause" : "excerpt-line"}>
              <AnsiText>{text}</AnsiText>
            </span>
          ))}
        </pre>
      )}
      <figcaption>
        <To path={at?.path ?? "/log"} search={at?.search ?? { attempt: attemptId }}>
          Open the log
        </To>
      </figcaption>
    </figure>
  );
}
