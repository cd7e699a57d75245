import { Command } from "../design/copy-button.tsx";
import { To } from "../design/links.tsx";
import { Panel } from "../design/page.tsx";

/** Renders what to do in a yard without a stack. */
export function FirstSteps() {
  return (
    <Panel title="This yard has no stacks yet" note="three steps to the first one">
      <ol className="steps panel-body">
        <li>
          <div>
            <h3>Describe the lifecycle</h3>
            <p className="muted">A machine is a file with states and tasks. The editor shows its graph as you type.</p>
            <To path="/machines" className="button primary">
              Open machines
            </To>
          </div>
        </li>
        <li>
          <div>
            <h3>Send the first event</h3>
            <p className="muted">The first event of a machine creates the stack.</p>
            <Command text="stackyard send pr-1 OPENED --machine review-app" />
          </div>
        </li>
        <li>
          <div>
            <h3>Let a code host send events</h3>
            <p className="muted">A pull request opens, updates and removes its own stack.</p>
            <Command text="stackyard hosts --help" />
          </div>
        </li>
      </ol>
    </Panel>
  );
}
