import { Command } from "./copy-button.tsx";
import { To } from "./links.tsx";
import { Panel } from "./page.tsx";

/** A step to the first of what a page shows. */
export interface FirstStep {
  readonly title: string;
  readonly text: string;
  /** A command of the terminal that does it. */
  readonly command?: string;
  /** The page that does it: the primary action of the page. One step has it. */
  readonly link?: { readonly path: string; readonly word: string };
}

interface FirstStepsProps {
  /** What there is not yet. */
  readonly title: string;
  /** What the page will show. */
  readonly shows: string;
  readonly steps: readonly FirstStep[];
}

/** Renders what a page without content will show, and the steps to its first. */
export function FirstSteps({ title, shows, steps }: FirstStepsProps) {
  return (
    <Panel title={title}>
      <div className="panel-body stack-v">
        <p>{shows}</p>
        <ol className="steps">
          {steps.map((step) => (
            <li key={step.title}>
              <div>
                <h3>{step.title}</h3>
                <p className="muted">{step.text}</p>
                {step.command !== undefined && <Command text={step.command} />}
                {step.link !== undefined && (
                  <To path={step.link.path} className="button primary">
                    {step.link.word}
                  </To>
                )}
              </div>
            </li>
          ))}
        </ol>
      </div>
    </Panel>
  );
}
