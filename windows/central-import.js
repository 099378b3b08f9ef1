// Outlook profiles of desktops that cannot run profile-migrator.exe (Windows 7): exported here, planned centrally, imported here.
// reg import compares nothing, so this script does: it imports a patch only while a fresh export is what the plan was made from and
// Outlook is closed, reads the result back, and undoes it when it is not what the patch says.
//
//   cscript //nologo central-import.js export EXPORTS           (at logoff) write this user's profile trees to the folder EXPORTS
//   cscript //nologo central-import.js import EXPORTS PLANS     (at logon) import what was planned from them, put into PLANS
//   cscript //nologo central-import.js undo   EXPORTS PLANS     put the old values back, if all of ours still stand
//
//   /values                 compare only the values the patch changes, not the whole export
//   /assume-outlook-closed  where the list of processes cannot be read
//
// Exit codes: 0 done or nothing to do, 1 refused or failed, 87 wrong arguments, 1603 state unclear, 1618 Outlook is running.
// Windows Script Host 5.8, ECMAScript 3.
(function () {
  var DONE = 0, FAILED = 1, USAGE = 87, UNCLEAR = 1603, RETRY = 1618;
  var UNICODE = -1, FOR_READING = 1, FOR_APPENDING = 8;
  // Trees of Outlook 2003 to 2010, 2013 and 2016; the last part of the file's name.
  var TREES = [
    { name: 'wms', key: 'HKCU\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows Messaging Subsystem\\Profiles' },
    { name: 'office15', key: 'HKCU\\Software\\Microsoft\\Office\\15.0\\Outlook' },
    { name: 'office16', key: 'HKCU\\Software\\Microsoft\\Office\\16.0\\Outlook' }
  ];
  var shell = new ActiveXObject('WScript.Shell');
  var fso = new ActiveXObject('Scripting.FileSystemObject');
  var reg = fso.BuildPath(fso.GetSpecialFolder(1).Path, 'reg.exe');
  var scratch = '';
  var folder = '';

  function main() {
    var words = [], options = {}, i, text;
    for (i = 0; i < WScript.Arguments.length; i++) {
      text = WScript.Arguments(i);
      if (text.charAt(0) === '/') options[text.substring(1).toLowerCase()] = true;
      else words.push(text);
    }
    for (text in options) {
      if (text !== 'values' && text !== 'assume-outlook-closed') return usage('unknown option /' + text);
    }
    var action = words[0];
    if (action === 'export' ? words.length !== 2 : !(action === 'import' || action === 'undo') || words.length !== 3) {
      return usage('expected: export EXPORTS, import EXPORTS PLANS, or undo EXPORTS PLANS');
    }
    for (i = 1; i < words.length; i++) {
      if (!fso.FolderExists(words[i])) return usage('no such folder: ' + words[i]);
    }
    folder = words[1];
    // Below the user's own temporary folder: exports hold secrets.
    scratch = fso.BuildPath(fso.GetSpecialFolder(2).Path, fso.GetTempName());
    fso.CreateFolder(scratch);
    try {
      var worst = DONE;
      for (i = 0; i < TREES.length; i++) {
        var result = workOn(TREES[i], words[2], action, options);
        if (rank(result) > rank(worst)) worst = result;
      }
      return worst;
    } finally {
      try { fso.DeleteFolder(scratch, true); } catch (e) { say('', 'cannot delete ' + scratch); }
    }
  }

  /** What is wrong with the files of one tree is no reason to leave the others alone, or to forget what became of them. */
  function workOn(tree, plans, action, options) {
    try {
      return action === 'export' ? exportTree(tree) : changeTree(tree, plans, action, options);
    } catch (error) {
      return refuse(sourceName(tree), error.message || error.description || String(error));
    }
  }

  function rank(code) {
    return code === UNCLEAR ? 3 : code === FAILED ? 2 : code === RETRY ? 1 : 0;
  }

  function exportTree(tree) {
    var name = sourceName(tree), fresh = freshExport(tree);
    if (fresh === null) return DONE;
    var target = fso.BuildPath(folder, name + '.reg'), next = target + '.new';
    fso.CopyFile(fresh, next, true);
    if (fso.FileExists(target)) fso.DeleteFile(target, true);
    fso.MoveFile(next, target);
    say(name, 'exported');
    return DONE;
  }

  function changeTree(tree, plans, action, options) {
    var name = sourceName(tree);
    var patch = fso.BuildPath(plans, name + '.patch.reg'), undo = fso.BuildPath(plans, name + '.undo.reg');
    if (!fso.FileExists(patch)) return DONE;
    if (!fso.FileExists(undo)) return refuse(name, 'there is no ' + undo);
    var from = readReg(action === 'undo' ? patch : undo), to = readReg(action === 'undo' ? undo : patch);
    var problem = checkPair(tree, from, to);
    if (problem) return refuse(name, problem);
    var fresh = freshExport(tree);
    if (fresh === null) return refuse(name, 'the tree it was planned for does not exist');
    var now = readReg(fresh);
    if (!differs(now, to)) {
      say(name, 'nothing to do');
      return DONE;
    }
    if (differs(now, from)) return refuse(name, 'the values are not those the plan was made from: ' + differs(now, from));
    if (action === 'import' && !options.values) {
      var planned = fso.BuildPath(folder, name + '.reg');
      if (!fso.FileExists(planned)) return refuse(name, 'there is no ' + planned + ' to compare with');
      if (readText(planned) !== readText(fresh)) {
        return refuse(name, 'the profile has changed since it was exported: export and plan it again, or use /values');
      }
    }
    if (!options['assume-outlook-closed']) {
      var outlook = outlookState();
      if (outlook !== 'closed') {
        say(name, outlook === 'open' ? 'Outlook is running' : 'cannot tell whether Outlook is running');
        return RETRY;
      }
    }
    return importAndCheck(tree, name, action === 'undo' ? undo : patch, action === 'undo' ? patch : undo, from, to);
  }

  function importAndCheck(tree, name, file, back, from, to) {
    // A copy of our own: the share may change or vanish while reg.exe reads.
    var local = fso.BuildPath(scratch, name + '.change.reg'), localBack = fso.BuildPath(scratch, name + '.back.reg');
    fso.CopyFile(file, local);
    fso.CopyFile(back, localBack);
    regExe('import ' + quote(local));
    var wrong = stateAgainst(tree, to);
    if (!wrong) {
      say(name, 'changed and checked');
      return DONE;
    }
    regExe('import ' + quote(localBack));
    if (stateAgainst(tree, from)) {
      say(name, 'STATE UNCLEAR: the import did not give what was planned (' + wrong + ') and could not be undone');
      return UNCLEAR;
    }
    return refuse(name, 'the import did not give what was planned (' + wrong + '); the old values are back');
  }

  /** Empty when the registry holds these values, otherwise the first that it does not. */
  function stateAgainst(tree, values) {
    var fresh = freshExport(tree);
    return fresh === null ? 'the tree cannot be exported' : differs(readReg(fresh), values);
  }

  /** The patch and its undo must name the same values, all inside this tree. */
  function checkPair(tree, a, b) {
    var root = ('HKEY_CURRENT_USER' + tree.key.substring(4)).toUpperCase(), id, count = 0;
    for (id in a) {
      if (!has(b, id)) return 'patch and undo file do not belong together: ' + id;
      if (id.indexOf(root + '\\') !== 0) return 'the plan is not for this tree: ' + id;
      count++;
    }
    for (id in b) if (!has(a, id)) return 'patch and undo file do not belong together: ' + id;
    return count === 0 ? 'the patch is empty' : '';
  }

  /** Empty when every value of `wanted` is in `found` as it is there ("-": absent). */
  function differs(found, wanted) {
    for (var id in wanted) {
      if ((has(found, id) ? found[id] : '-') !== wanted[id]) return id;
    }
    return '';
  }

  /** KEY>NAME in upper case -> the text after the equals sign, continuation lines joined. */
  function readReg(path) {
    var text = readText(path).replace(/\\\r\n[ \t]*/g, ''), values = {}, key = '', i;
    if (text.indexOf('Windows Registry Editor Version 5.00') !== 0) throw new Error(path + ' is not a version 5 .reg file');
    var lines = text.split('\r\n');
    for (i = 1; i < lines.length; i++) {
      if (lines[i].charAt(0) === '[') {
        if (lines[i].charAt(1) === '-') throw new Error(path + ' deletes a key');
        key = lines[i].substring(1, lines[i].lastIndexOf(']'));
        continue;
      }
      var match = /^(@|"(?:[^"\\]|\\.)*")=([\s\S]*)$/.exec(lines[i]);
      if (match) values[(key + '>' + match[1]).toUpperCase()] = match[2];
    }
    return values;
  }

  function readText(path) {
    var stream = fso.OpenTextFile(path, FOR_READING, false, UNICODE);
    try {
      return stream.AtEndOfStream ? '' : stream.ReadAll();
    } finally {
      stream.Close();
    }
  }

  /** Path of a new export of the tree, or null when there is no such tree. */
  function freshExport(tree) {
    var path = fso.BuildPath(scratch, fso.GetTempName() + '.reg');
    var code = regExe('export ' + quote(tree.key) + ' ' + quote(path) + ' /y');
    return code === 0 && fso.FileExists(path) ? path : null;
  }

  function regExe(args) {
    return shell.Run(quote(reg) + ' ' + args, 0, true);
  }

  function outlookState() {
    try {
      var wmi = new ActiveXObject('WbemScripting.SWbemLocator').ConnectServer('.', 'root\\cimv2');
      if (countOf(wmi, 'OUTLOOK.EXE') > 0) return 'open';
      // The list is believed when it shows the program this script runs in.
      return countOf(wmi, fso.GetFileName(WScript.FullName)) > 0 ? 'closed' : 'unknown';
    } catch (e) {
      return 'unknown';
    }
  }

  function countOf(wmi, image) {
    return wmi.ExecQuery("SELECT * FROM Win32_Process WHERE Name = '" + image + "'").Count;
  }

  function sourceName(tree) {
    var environment = shell.Environment('PROCESS');
    var parts = [environment('COMPUTERNAME'), environment('USERDOMAIN'), environment('USERNAME'), tree.name];
    // Written out, so that two users whose names differ in such a sign only do not have the same files.
    return parts.join('-').replace(/[^\w.\-]/g, function (sign) {
      return '_' + ('000' + sign.charCodeAt(0).toString(16)).slice(-4);
    });
  }

  function refuse(name, why) {
    say(name, 'refused: ' + why);
    return FAILED;
  }

  function usage(why) {
    WScript.Echo('central-import.js: ' + why);
    return USAGE;
  }

  function say(name, text) {
    var line = (name ? name + ': ' : '') + text;
    WScript.Echo(line);
    try {
      var log = fso.OpenTextFile(fso.BuildPath(folder, (name || 'central-import') + '.log'), FOR_APPENDING, true, UNICODE);
      log.WriteLine(new Date() + ' ' + line);
      log.Close();
    } catch (e) {
      // The log is a convenience; the exit code tells.
    }
  }

  function quote(text) {
    return '"' + text + '"';
  }

  function has(object, name) {
    return Object.prototype.hasOwnProperty.call(object, name);
  }

  var code = FAILED;
  try {
    code = main();
  } catch (error) {
    WScript.Echo('central-import.js: ' + (error.message || error.description || error));
  }
  WScript.Quit(code);
})();
