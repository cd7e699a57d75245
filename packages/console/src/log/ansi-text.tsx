import { useContext } from "react";
import { parseAnsiLine } from "../text/ansi.ts";
import { splitLinks, type TextPart } from "../text/split-links.ts";
import { LogLinks } from "./log-links.ts";
import "./ansi.css";

/**
 * Renders a text whose addresses are links, except in files. They add no text of their own: a line is copied as it was
 * written.
 */
function Linked({ text }: { text: string }) {
  const isLinked = useContext(LogLinks);
  const parts: readonly TextPart[] = isLinked ? splitLinks(text) : [{ text }];
  if (parts.length === 1 && parts[0]?.href === undefined) return text;
  return parts.map(({ text: part, href }, index) =>
    href === undefined ? (
      part
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of a line have no other identity
      <a key={index} href={href} target="_blank" rel="noopener noreferrer" title="Opens in a new tab">
        {part}
      </a>
    ),
  );
}

/** Renders a line of a log with its colors and links. Other sequences are left out, and their number is shown. */
export function AnsiText({ children }: { children: string }) {
  const { spans, dropped } = parseAnsiLine(children);
  return (
    <bdi>
      {spans.map(({ text, tone, bold, underline }, index) => {
        const classes = [tone && `tone-${tone}`, bold && "ansi-bold", underline && "ansi-underline"].filter(Boolean);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts of a line have no other identity
          <span key={index} className={classes.length === 0 ? undefined : classes.join(" ")}>
            <Linked text={text} />
          </span>
        );
      })}
      {dropped > 0 && (
        <span className="ansi-dropped" title={`${dropped} control sequences are not shown`}>
          {" "}
          ‹{dropped}›
        </span>
      )}
    </bdi>
  );
}
