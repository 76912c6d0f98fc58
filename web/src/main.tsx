import 'uplot/dist/uPlot.min.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/chart.css';
import { render } from 'preact';
import { App } from './app';

const root = document.getElementById('app');
if (root) {
  render(<App />, root);
}
