import type { Tone } from "../mark.tsx";
import "./bar-chart.css";

/** One bar: its parts from below. */
interface Bar {
  readonly parts: readonly { readonly value: number; readonly tone: Tone | "plain" }[];
  readonly title: string;
}

const HEIGHT = 56;
const WIDTH = 4;

/** Renders values over time as bars; `label` says the same in words. */
export function BarChart({ bars, label, axis }: BarChartProps) {
  const most = Math.max(1, ...bars.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0)));
  return (
    <figure className="bar-chart">
      <svg
        role="img"
        aria-label={label}
        viewBox={`0 0 ${bars.length * WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        height={HEIGHT}
      >
        {bars.map(({ parts, title }, index) => {
          let top = HEIGHT;
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place
            <g key={index}>
              <title>{title}</title>
              {parts.map(({ value, tone }) => {
                // A value that is not 0 is seen.
                const height = value === 0 ? 0 : Math.max(2, (value / most) * HEIGHT);
                top -= height;
                return (
                  <rect
                    key={tone}
                    className={`tone-${tone}`}
                    x={index * WIDTH + 0.4}
                    y={top}
                    width={WIDTH - 0.8}
                    height={height}
                  />
                );
              })}
            </g>
          );
        })}
      </svg>
      <figcaption>
        {axis.map((text) => (
          <span key={text}>{text}</span>
        ))}
      </figcaption>
    </figure>
  );
}

interface BarChartProps {
  readonly bars: readonly Bar[];
  readonly label: string;
  /** Texts below, from the left to the right end. */
  readonly axis: readonly string[];
}
