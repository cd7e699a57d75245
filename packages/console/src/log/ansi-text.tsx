import { parseAnsiLine } from "../text/ansi.ts";
import "./ansi.css";

/** Renders a line of a log with its colors. Other sequences are left out, and their number is shown. */
export function AnsiText({ children }: { children: string }) {
  const { spans, dropped } = parseAnsiLine(children);
  return (
    <bdi>
      {spans.map(({ text, tone, bold, underline }, index) => {
        const classes = [tone && `tone-${tone}`, bold && "ansi-bold", underline && "ansi-underline"].filter(Boolean);
        if (classes.length === 0) return text;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts of a line have no other identity
          <span key={index} className={classes.join(" ")}>
            {text}
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
