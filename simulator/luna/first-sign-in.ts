import type { Entry } from '../request-log.ts';
import { CommandError, commit, type Session } from './session.ts';

const classes = [/[A-Z]/, /[a-z]/, /[0-9]/, /[^A-Za-z0-9]/];
export const strong = (password: string): boolean => password.length >= 8 && classes.filter((kind) => kind.test(password)).length >= 3;

const notice = `

*****************************************************
**                                                 **
**   For security purposes, you must change your   **
**   password.                                     **
**                                                 **
**   Please ensure you store your new password     **
**   in a secure location.                         **
**                                                 **
**               DO NOT LOSE IT!                   **
**                                                 **
*****************************************************

`;

/** What comes before any prompt at the first sign-in. */
export async function firstSignIn(session: Session, entry: Entry): Promise<void> {
  session.print(notice);
  await changePassword(session, entry);
  session.print('Password change successful.\n\n');
}

/** Asks for the new password until it is good, three times at most. */
export async function changePassword(session: Session, entry: Entry): Promise<void> {
  session.print(`Changing password for user ${session.user}.

You can now choose the new password.

The password must be at least 8 characters long.
The password must contain characters from at least 3 of the following 4 categories:
    - Uppercase letters (A through Z)
    - Lowercase letters (a through z)
    - Numbers (0 through 9)
    - Non-alphanumeric characters (such as !, $, #, %)

`);
  const { variants } = session.world;
  if (variants['luna.passwordPrompts'] === 'with-current') await session.ask('(current) UNIX password: ', 'none');
  const [first, second] =
    variants['luna.passwordPrompts'] === 'old' ? ['Enter new password: ', 'Re-type new password: '] : ['New password: ', 'Retype new password: '];
  for (let tries = 0; tries < 3; tries++) {
    const password = await session.ask(first, 'none');
    if (!strong(password)) {
      session.print('BAD PASSWORD: it is too simplistic\n');
      continue;
    }
    if ((await session.ask(second, 'none')) !== password) {
      session.print('Sorry, passwords do not match.\n');
      continue;
    }
    const user = session.state.users.find(({ name }) => name === session.user)!;
    await commit(session, entry, 0, () => Object.assign(user, { password, mustChange: false }));
    session.print('passwd: all authentication tokens updated successfully.\n');
    return;
  }
  throw new CommandError(['passwd: Authentication token manipulation error']);
}
