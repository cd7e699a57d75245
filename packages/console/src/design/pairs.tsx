import { Fragment, type ReactNode } from "react";

interface PairsProps {
  /** The values by name, in order. A name whose value is undefined or false is left out. */
  readonly of: Readonly<Record<string, ReactNode>>;
  readonly className?: string;
  /** Further pairs. */
  readonly children?: ReactNode;
}

/** Renders a few numbers with their names beside each other. */
export function Figures({ of }: Pick<PairsProps, "of">) {
  return (
    <dl className="figures">
      {Object.entries(of).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Renders names with their values. */
export function Pairs({ of, className = "pairs", children }: PairsProps) {
  const shown = Object.entries(of).filter(([, value]) => value !== undefined && value !== false);
  return (
    <dl className={className}>
      {shown.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </Fragment>
      ))}
      {children}
    </dl>
  );
}
