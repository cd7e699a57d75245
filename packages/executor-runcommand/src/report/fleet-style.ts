import { html } from "./html-text.ts";

/** The look of a report; it loads nothing, fits a phone and a printer, and follows a dark screen. */
export const FLEET_STYLE = html`
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --soft: #f6f8fa;
  --failed: #c4231a; --cancelled: #9a4f00; --not-sent: #8a5a00; --running: #0b5fb8; --waiting: #6e7781; --skipped: #8c959f; --succeeded: #1a7f37 }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --text: #e6edf3; --quiet: #9198a1; --line: #30363d; --soft: #161b22;
  --failed: #ff7b72; --cancelled: #f0a35e; --not-sent: #e3b341; --running: #79c0ff; --waiting: #9198a1; --skipped: #6e7681; --succeeded: #56d364 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 75rem; margin: 0 auto; padding: 2rem 1rem }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 1rem } h1.bad { color: var(--failed) } h1.good { color: var(--succeeded) }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem } h3 { font-size: 1rem; margin: 0 0 .25rem } h4 { margin: .75rem 0 .25rem }
p { margin: .25rem 0 } .kind { color: var(--quiet); margin: 0 } .quiet, .count { color: var(--quiet) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0 } dt { color: var(--quiet) } dd { margin: 0; overflow-wrap: anywhere }
ul.counts { list-style: none; display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: 0 0 1rem }
ul.counts li { border: 1px solid currentColor; border-radius: 1rem; padding: .1rem .75rem }
ol.causes { padding-left: 1.5rem } ol.causes li { margin-bottom: 1rem }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line) }
thead th { color: var(--quiet); font-weight: 600; white-space: nowrap } tbody th { font-weight: 400 }
.numbers td:nth-child(n+3), .numbers thead th:nth-child(n+3) { text-align: right; font-variant-numeric: tabular-nums } tfoot { font-weight: 600 }
.bar { display: flex; width: 12rem; height: .75rem; margin-top: .4rem; background: var(--line); border-radius: .4rem; overflow: hidden }
.bar i { background: currentColor; min-width: 2px }
.is-failed { color: var(--failed) } .is-cancelled { color: var(--cancelled) } .is-not-sent { color: var(--not-sent) }
.is-running { color: var(--running) } .is-waiting { color: var(--waiting) } .is-skipped { color: var(--skipped) } .is-succeeded { color: var(--succeeded) }
.state { font-weight: 600; white-space: nowrap }
code, pre { font: 13px/1.45 ui-monospace, monospace } pre { background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; margin: .35rem 0; overflow: auto; max-height: 30rem; white-space: pre-wrap; overflow-wrap: anywhere }
tr.more td { padding: 0 0 .5rem } summary { cursor: pointer; color: var(--quiet) }
footer { border-top: 1px solid var(--line); margin-top: 3rem } a { color: inherit }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
@media print { .wide { overflow: visible } pre { max-height: none } }
`;
