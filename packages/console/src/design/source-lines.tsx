import { type RefObject, useMemo } from "react";
import { toSafeText } from "../text/safe-text.ts";
import { toYamlTokens } from "../text/yaml-tokens.ts";
import { Scrolled } from "./scrolled.tsx";
import "./source-lines.css";

interface SourceLinesProps {
  /** The content, for screen readers. */
  readonly label: string;
  readonly source: string;
  /** A line that is marked, such as that of a problem, and where it is drawn. */
  readonly marked?: { readonly line: string | undefined; readonly place: RefObject<HTMLLIElement | null> };
}

/** Longer documents have no colors: they would be thousands of elements. */
const MOST_COLORED = 2_000;

/** Renders a document with the numbers of its lines, and its keys, strings and comments in the colors of the editor. */
export function SourceLines({ label, source, marked }: SourceLinesProps) {
  const lines = useMemo(() => source.replace(/\r?\n$/, "").split(/\r?\n/), [source]);
  return (
    <Scrolled label={label} className="source-scroll">
      <ol className="source-lines mono">
        {lines.map((text, index) => {
          const isMarked = String(index + 1) === marked?.line;
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line is its number
            <li key={index} {...(isMarked && { ref: marked?.place, "aria-current": "location" as const })}>
              <code>{lines.length > MOST_COLORED ? toSafeText(text) || " " : <Line text={text} />}</code>
            </li>
          );
        })}
      </ol>
    </Scrolled>
  );
}

function Line({ text }: { readonly text: string }) {
  if (text === "") return " ";
  return toYamlTokens(text).map((token, index) =>
    token.kind === undefined ? (
      toSafeText(token.text)
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: a piece is its place
      <span key={index} className={`source-${token.kind}`}>
        {toSafeText(token.text)}
      </span>
    ),
  );
}
