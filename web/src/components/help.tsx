import { Dialog } from './dialog';

const keys = [
  ['?', 'this help'],
  ['g o', 'Overview'],
  ['g r', 'Requests'],
  ['g m', 'Map'],
  ['g n', 'Node'],
  ['/', 'to the filter'],
  ['j k', 'down and up in a table; arrows within it'],
  ['Enter', 'open what has the focus'],
  ['Esc', 'close, or leave a field'],
  ['[ ]', 'shorter or longer range of time'],
  ['r', 'refresh now'],
  ['p', 'pause the live tail'],
  ['t', 'theme: auto, light, dark'],
  ['← →', 'in a chart: read the values one by one'],
] as const;

/** The page's keys. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" narrow onClose={onClose}>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <>
            <dt>{key.split(' ').map((one, i) => <>{i > 0 && ' '}<kbd>{one}</kbd></>)}</dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      <p class="muted">Drag over a chart to look at that time only.</p>
    </Dialog>
  );
}
